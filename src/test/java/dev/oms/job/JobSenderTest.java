package dev.oms.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.OmsServers;
import dev.oms.Streams;
import dev.oms.WithoutConsumer;
import dev.oms.process.TcpProxy;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.vertx.core.Vertx;
import io.vertx.mutiny.redis.client.Redis;
import io.vertx.redis.client.RedisOptions;
import jakarta.inject.Inject;
import java.net.URI;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Sending jobs over a connection that may go silent. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class JobSenderTest {
    private static final long ORDER = Long.MAX_VALUE - 1;

    @Inject
    Vertx vertx;

    @Test
    void connectsAgainWhenItsConnectionHasGoneSilent() throws Exception {
        int port =
                URI.create(OmsServers.servers().settings().get("OMS_REDIS_URL")).getPort();
        try (TcpProxy proxy = new TcpProxy(port)) {
            JobSender sender = new JobSender(
                    () -> Redis.newInstance(io.vertx.redis.client.Redis.createClient(
                            vertx,
                            new RedisOptions()
                                    .setConnectionString("redis://localhost:" + proxy.port())
                                    .setMaxPoolSize(1))),
                    Streams.JOBS);
            sender.send(ORDER);
            awaitSent(1);

            proxy.silence();
            sender.send(ORDER);
            await().atMost(Duration.ofSeconds(30)).until(() -> sender.failures() == 1);

            sender.send(ORDER);
            awaitSent(2);
            sender.send(ORDER);
            sender.stop();
            assertThat(sent()).as("sent before the end").isEqualTo(3);
        }
    }

    private static void awaitSent(long jobs) {
        await().atMost(Duration.ofSeconds(30)).until(() -> sent() == jobs);
    }

    private static long sent() {
        return OmsServers.streams().orderIds().stream()
                .filter(Long.toString(ORDER)::equals)
                .count();
    }
}
