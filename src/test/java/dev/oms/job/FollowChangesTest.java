package dev.oms.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.OmsServers;
import dev.oms.http.RedisConfig;
import dev.oms.order.OrdersChanged;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import jakarta.enterprise.event.Event;
import jakarta.inject.Inject;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@WithTestResource(OmsServers.class)
class FollowChangesTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    private static final Pattern CLIENT_ID = Pattern.compile("\\bid=(\\d+)");

    @Inject
    DedicatedRedis dedicated;

    @Inject
    RedisConfig config;

    @Inject
    Event<OrdersChanged> changed;

    private final BlockingQueue<List<Long>> heard = new LinkedBlockingQueue<>();
    private FollowChanges follow;

    private void awaitFollowing() {
        follow = follow == null ? new FollowChanges(dedicated, config) : follow;
        await().atMost(TIMEOUT).until(() -> follow.follow(heard::add));
    }

    @AfterEach
    void stop() {
        follow.stop(null);
    }

    private void hears(long id) throws InterruptedException {
        List<Long> ids = heard.poll(20, TimeUnit.SECONDS);
        while (ids != null && !ids.contains(id)) {
            ids = heard.poll(20, TimeUnit.SECONDS);
        }
        assertThat(ids).isNotNull();
    }

    @Test
    void hearsOfChangesInAnyProcess() throws InterruptedException {
        awaitFollowing();

        changed.fire(new OrdersChanged(List.of(Long.MAX_VALUE, 7L)));

        hears(Long.MAX_VALUE);
    }

    @Test
    void tellsWhoeverWaitsForEvents() throws InterruptedException {
        awaitFollowing();
        Semaphore told = new Semaphore(0);
        follow.followCommits(told::release);

        changed.fire(new OrdersChanged(List.of((1L << 60) + 2)));

        assertThat(told.tryAcquire(TIMEOUT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void ignoresWhatIsNoOrder() throws InterruptedException {
        awaitFollowing();

        OmsServers.streams().redis(Command.PUBLISH, "oms:changed-orders", "x,,-,99999999999999999999," + (1L << 60));

        hears(1L << 60);
    }

    @Test
    void stillFollowsAfterASilence() throws InterruptedException {
        Set<String> others = subscribers();
        awaitFollowing();
        Set<String> own = subscribers();
        own.removeAll(others);

        // Longer than it trusts a connection on which nothing comes.
        Thread.sleep(3_000);
        awaitFollowing();
        assertThat(own).isNotEmpty();
        assertThat(subscribers()).as("no new connection").containsAll(own);
        changed.fire(new OrdersChanged(List.of((1L << 60) + 1)));

        hears((1L << 60) + 1);
    }

    /** The ids of the connections that subscribe, of all processes. */
    private static Set<String> subscribers() {
        return OmsServers.streams()
                .redis(Command.CLIENT, "LIST", "TYPE", "pubsub")
                .toString()
                .lines()
                .map(CLIENT_ID::matcher)
                .filter(Matcher::find)
                .map(id -> id.group(1))
                .collect(Collectors.toCollection(HashSet::new));
    }

    @Test
    void subscribesAgainWhenItsConnectionEnds() throws InterruptedException {
        awaitFollowing();

        OmsServers.streams().redis(Command.CLIENT, "KILL", "TYPE", "pubsub");

        await().atMost(TIMEOUT).until(() -> !follow.follow(heard::add));
        awaitFollowing();
        changed.fire(new OrdersChanged(List.of((1L << 60) + 2)));
        hears((1L << 60) + 2);
    }

    @Test
    void closesAConnectionThatIsThereTooLate() {
        Promise<RedisConnection> connecting = Promise.promise();
        List<String> calls = new CopyOnWriteArrayList<>();
        Redis redis = stub(Redis.class, method -> method.equals("connect") ? connecting.future() : null);
        RedisConnection connection = stub(RedisConnection.class, method -> {
            calls.add(method);
            return Future.succeededFuture();
        });
        follow = new FollowChanges(
                new DedicatedRedis(null) {
                    @Override
                    io.vertx.mutiny.redis.client.Redis open() {
                        return io.vertx.mutiny.redis.client.Redis.newInstance(redis);
                    }
                },
                config);
        follow.follow(heard::add);
        follow.stop(null);

        connecting.complete(connection);

        assertThat(calls).containsExactly("close");
    }

    /** Whoever waits goes on to poll. */
    @Test
    void doesNotFailWhenThereCanBeNoConnection() {
        follow = new FollowChanges(
                new DedicatedRedis(null) {
                    @Override
                    io.vertx.mutiny.redis.client.Redis open() {
                        throw new IllegalStateException("no memory for another");
                    }
                },
                config);

        assertThat(follow.follow(heard::add)).isFalse();
        follow.followCommits(() -> {});
    }

    private static <T> T stub(Class<T> type, Function<String, Object> answer) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (proxy, method, arguments) -> answer.apply(method.getName())));
    }

    @Test
    void tellsThatNothingIsHeardWithoutRedis() throws IOException, InterruptedException {
        awaitFollowing();

        OmsServers.servers().stopRedis();
        try {
            await().atMost(TIMEOUT).until(() -> !follow.follow(heard::add));
        } finally {
            OmsServers.servers().startRedis();
        }

        awaitFollowing();
        changed.fire(new OrdersChanged(List.of((1L << 60) + 3)));
        hears((1L << 60) + 3);
    }
}
