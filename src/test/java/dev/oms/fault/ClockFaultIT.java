package dev.oms.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.Streams;
import dev.oms.process.Child;
import io.vertx.redis.client.Command;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.extension.ExtendWith;

/** Every process has another clock: web a minute ahead, one worker behind, one ahead, and Redis's ids in the future. */
@Tag("full")
@ExtendWith(FaultSuite.class)
@EnabledIf(value = "isFaketimeInstalled", disabledReason = "There is no faketime on the PATH.")
class ClockFaultIT {
    private static final int SECONDS = 60;

    static boolean isFaketimeInstalled() {
        return Child.find("faketime").isPresent();
    }

    @Test
    void findsLostJobsOnceThoughTheClocksAreAMinuteApart(Cluster direct, Random random) throws Exception {
        direct.startAll();
        direct.close(); // Its workers would take the other cluster's jobs.
        Streams streams = direct.servers().streams();

        try (Cluster skewed =
                new Cluster(direct.servers(), "skewed-", clock(SECONDS), clock(-SECONDS), clock(SECONDS))) {
            skewed.underLoad("clocks ±60 s apart, ids of Redis in the future, FLUSHALL", random, clients -> {
                for (int i = 0; i < 3; i++) {
                    streams.redis(Command.FLUSHALL);
                    // Ids only grow, so all further ones are in the future too, as after a fail-over of Redis.
                    streams.redis(
                            Command.XADD,
                            Streams.JOBS,
                            System.currentTimeMillis() + SECONDS * 1_000 + "-0",
                            "order_id",
                            Long.MAX_VALUE);
                    clients.awaitAccepted(100 + random.nextInt(100));
                }
                skewed.awaitSettled(skewed.lastOrder());

                assertThat(streams.depth())
                        .as("jobs in the stream, when all orders are settled")
                        .isLessThan(1_000);
            });
        }
    }

    /** As the program "faketime" does it, which would be a process in between. The dynamic linker resolves $LIB. */
    private static Map<String, String> clock(int offsetSeconds) {
        return Map.of(
                "LD_PRELOAD", "/usr/$LIB/faketime/libfaketime.so.1",
                "FAKETIME", "%+ds".formatted(offsetSeconds),
                "FAKETIME_DONT_FAKE_MONOTONIC", "1",
                "NO_FAKE_STAT", "1",
                "OMS_MIGRATE", "false");
    }
}
