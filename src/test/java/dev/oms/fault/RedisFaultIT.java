package dev.oms.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.Streams;
import dev.oms.process.TcpProxy;
import io.vertx.redis.client.Command;
import java.net.URI;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Redis killed, emptied or hanging under load: it is disposable. */
@Tag("full")
@ExtendWith(FaultSuite.class)
class RedisFaultIT {
    private static final int TIMES = 3;

    @Test
    void survivesAKillAndEmptyRestartOfRedis(Cluster cluster, Random random) throws Exception {
        cluster.underLoad(TIMES + " × Redis: SIGKILL and empty restart", random, clients -> {
            for (int i = 0; i < TIMES; i++) {
                clients.awaitAccepted(random.nextInt(200));
                cluster.servers().killRedis();
                // Orders are accepted without Redis, too.
                clients.awaitAccepted(100 + random.nextInt(200));
                cluster.servers().startRedis();
            }
        });
    }

    @Test
    void survivesFlushall(Cluster cluster, Random random) throws Exception {
        cluster.underLoad(TIMES + " × Redis: FLUSHALL under load", random, clients -> {
            for (int i = 0; i < TIMES; i++) {
                clients.awaitAccepted(100 + random.nextInt(400));
                cluster.servers().streams().redis(Command.FLUSHALL);
            }
        });
    }

    @Test
    void survivesAHangingRedis(Cluster cluster, Random random) throws Exception {
        cluster.underLoad(TIMES + " × Redis: SIGSTOP for 20 s", random, clients -> {
            for (int i = 0; i < TIMES; i++) {
                clients.awaitAccepted(random.nextInt(200));
                cluster.servers().pauseRedis();
                try {
                    long resumeNanos = System.nanoTime() + 20_000_000_000L;
                    clients.awaitAccepted(200);
                    Thread.sleep(Math.max(0, (resumeNanos - System.nanoTime()) / 1_000_000));
                } finally {
                    cluster.servers().resumeRedis();
                }
            }
        });
    }

    /** Ids only grow: after a fail-over to a server whose clock is behind, all further ones are in the future. */
    @Test
    void findsLostJobsThoughTheStreamIsAhead(Cluster cluster, Random random) throws Exception {
        Streams streams = cluster.servers().streams();

        cluster.underLoad(TIMES + " × FLUSHALL, then ids of a minute ahead", random, clients -> {
            for (int i = 0; i < TIMES; i++) {
                clients.awaitAccepted(100 + random.nextInt(200));
                streams.redis(Command.FLUSHALL);
                String ahead = System.currentTimeMillis() + 60_000 + "-0";
                streams.redis(Command.XADD, Streams.JOBS, ahead, "order_id", Long.MAX_VALUE);
            }
            cluster.awaitSettled(cluster.lastOrder());
            assertThat(streams.depth()).as("jobs left").isLessThan(1_000);
        });
    }

    /** A firewall forgets the connections, and lets new ones through. */
    @Test
    void survivesConnectionsThatGoSilent(Cluster direct, Random random) throws Exception {
        direct.startAll();
        direct.close(); // Its workers would take the other cluster's jobs.
        int port = URI.create(direct.servers().settings().get("OMS_REDIS_URL")).getPort();

        try (TcpProxy proxy = new TcpProxy(port);
                Cluster behind = new Cluster(
                        direct.servers(),
                        "silent-",
                        Map.of("OMS_REDIS_URL", "redis://localhost:" + proxy.port(), "OMS_MIGRATE", "false"))) {
            behind.underLoad(TIMES + " × all connections to Redis go silent", random, clients -> {
                for (int i = 0; i < TIMES; i++) {
                    clients.awaitAccepted(50 + random.nextInt(100));
                    proxy.silence();
                    clients.awaitAccepted(100);
                    behind.awaitSettled(behind.lastOrder());
                }
            });
        }
    }
}
