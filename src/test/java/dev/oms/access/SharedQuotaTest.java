package dev.oms.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.OmsServers;
import dev.oms.access.Quota.Decision;
import dev.oms.process.TcpProxy;
import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import io.quarkus.redis.runtime.datasource.ReactiveRedisDataSourceImpl;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.vertx.mutiny.core.Vertx;
import io.vertx.mutiny.redis.client.Redis;
import io.vertx.mutiny.redis.client.RedisAPI;
import io.vertx.redis.client.Command;
import jakarta.inject.Inject;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Quotas while Redis takes connections but does not answer, or refuses to keep them. */
@QuarkusTest
@TestProfile(WithKeys.class)
@WithTestResource(OmsServers.class)
class SharedQuotaTest {
    private static final Quota QUOTA = new Quota(1_000);

    @Inject
    Vertx vertx;

    private static SharedQuota quota(RedisQuotas redis) {
        return new SharedQuota(UUID.randomUUID().toString(), QUOTA, redis);
    }

    private static void take(SharedQuota quota) throws Exception {
        assertThat(quota.take(1).toCompletableFuture().get(30, TimeUnit.SECONDS).granted())
                .isEqualTo(1);
    }

    @Inject
    ReactiveRedisDataSource source;

    /** Nor is Redis taken to be down for the others. */
    @ParameterizedTest
    @CsvSource({"LPUSH", "SET"})
    void whatElseIsUnderTheKeyOfAQuotaIsDeleted(String command) throws Exception {
        RedisQuotas redis = new RedisQuotas(source, () -> "oms");
        String name = UUID.randomUUID().toString();
        OmsServers.streams().redis(Command.create(command), "oms:quota:" + name, "x");

        take(new SharedQuota(name, QUOTA, redis));

        assertThat(redis.isDown()).isFalse();
        assertThat(OmsServers.streams().redis(Command.GET, "oms:quota:" + name).toString())
                .matches("\\d+");
    }

    /** The units of a second at once: a second process would get none if both asked Redis. */
    @Test
    void eachProcessGrantsTheWholeQuotaWhereRedisAllowsNoScripts() throws Exception {
        String name = UUID.randomUUID().toString();
        RedisQuotas one = new RedisQuotas(source, () -> "oms");
        RedisQuotas two = new RedisQuotas(source, () -> "oms");
        OmsServers.streams().redis(Command.ACL, "SETUSER", "default", "-@scripting");
        try {
            for (RedisQuotas redis : List.of(one, two)) {
                SharedQuota quota = new SharedQuota(name, QUOTA, redis);
                Decision decision = quota.take(1_000).toCompletableFuture().get(30, TimeUnit.SECONDS);

                assertThat(decision.granted()).isEqualTo(1_000);
                assertThat(redis.isDown()).isTrue();
            }
        } finally {
            OmsServers.streams().redis(Command.ACL, "SETUSER", "default", "+@scripting");
        }
        await().atMost(Duration.ofSeconds(60)).until(() -> !one.isDown() && !two.isDown());
    }

    @Test
    void whatHasComeSinceRedisWasAskedIsTold() throws Exception {
        SharedQuota quota = new SharedQuota(UUID.randomUUID().toString(), QUOTA, new RedisQuotas(source, () -> "oms"));
        take(quota);
        Thread.sleep(1_100);

        // One of those in hand.
        Decision decision = quota.take(1).toCompletableFuture().get(30, TimeUnit.SECONDS);

        assertThat(decision.remaining()).isEqualTo(1_000);
        assertThat(decision.waitMicros()).isZero();
    }

    /** Each of many calls at once has a quota of its own, so each asks Redis. A slow machine gets another try. */
    @Test
    void aFullPoolOfConnectionsIsNoOutage() {
        await().atMost(Duration.ofSeconds(60)).until(() -> {
            RedisQuotas redis = new RedisQuotas(source, () -> "oms");
            CompletableFuture<?>[] calls = Stream.generate(
                            () -> quota(redis).take(1).toCompletableFuture())
                    .limit(200)
                    .toArray(CompletableFuture[]::new);
            CompletableFuture.allOf(calls).join();
            return !redis.isDown();
        });
    }

    @Test
    void aSilentRedisDelaysOneCallAndIsAskedAgainOnceItAnswers() throws Exception {
        URI server = URI.create(OmsServers.servers().settings().get("OMS_REDIS_URL"));
        try (TcpProxy proxy = new TcpProxy(server.getPort())) {
            Redis client =
                    Redis.createClient(vertx, server.toString().replace(":" + server.getPort(), ":" + proxy.port()));
            ReactiveRedisDataSource source = new ReactiveRedisDataSourceImpl(vertx, client, RedisAPI.api(client));
            RedisQuotas redis = new RedisQuotas(source, () -> "oms");
            take(quota(redis));
            assertThat(redis.isDown()).isFalse();

            proxy.silenceAll();
            take(quota(redis));
            for (int i = 0; i < 1_000; i++) {
                // Several times the second after which Redis is tried again.
                Thread.sleep(3);
                assertThat(quota(redis).take(1).toCompletableFuture()).isDone();
            }
            proxy.restore();
            proxy.disconnect();
            proxy.restore();

            await().atMost(Duration.ofSeconds(60)).until(() -> !redis.isDown());
            client.close();
        }
    }
}
