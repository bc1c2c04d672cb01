package dev.oms.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.oms.process.Child;
import io.vertx.redis.client.Command;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Workers whose clocks are off. */
@Tag("full")
@ExtendWith(FaultSuite.class)
class ClockFaultIT {
    /** Moves the time of day of the process that loads it, and no monotonic clock, on which a JVM's waits rely. */
    private static final String SHIFT = """
            #define _GNU_SOURCE
            #include <stdlib.h>
            #include <sys/syscall.h>
            #include <time.h>
            #include <unistd.h>

            int clock_gettime(clockid_t clock, struct timespec *time) {
                int result = syscall(SYS_clock_gettime, clock, time);
                if (result == 0 && clock == CLOCK_REALTIME) {
                    time->tv_sec += atol(getenv("SHIFT_SECONDS"));
                }
                return result;
            }
            """;

    @Test
    void survivesWorkersAMinuteAheadAndBehind(Cluster straight, Random random) throws Exception {
        assumeTrue(Child.find("cc").isPresent(), "There is no cc on the PATH.");
        String library = compile();
        straight.startAll(); // Migrates the database.
        straight.close(); // Its workers would take the other cluster's jobs.

        try (Cluster skewed = new Cluster(
                straight.servers(), "skewed-", Map.of(), List.of(shifted(library, 60), shifted(library, -60)))) {
            skewed.underLoad("clocks of the workers 60 s ahead and behind, then FLUSHALL", random, clients -> {
                long first = skewed.lastOrder();
                clients.awaitAccepted(500);
                assertThat(skewed.workers())
                        .allSatisfy(worker -> assertThat(worker.metrics())
                                .as("no job is taken for lost")
                                .contains("oms_jobs_reconciled_total 0.0"));
                skewed.awaitSettled(skewed.lastOrder());
                assertThat(straight.servers().ledger().texts("""
                        select distinct round(extract(epoch from updated_at - created_at) / 60) from orders
                        where id > %d and status = 'Confirmed' order by 1""".formatted(first)))
                        .as("minutes by which the clocks of the workers are off")
                        .containsExactly("-1", "1");
                straight.servers().streams().redis(Command.FLUSHALL);
                clients.awaitAccepted(300);
                skewed.awaitSettled(skewed.lastOrder());
            });
        }
    }

    /** Settings of a worker whose clock is off. It takes no job for lost in less time than its clock is off. */
    private static Map<String, String> shifted(String library, int seconds) {
        return Map.of(
                "LD_PRELOAD", library, "SHIFT_SECONDS", Integer.toString(seconds), "OMS_JOB_RECONCILER_GRACE", "30s");
    }

    private static String compile() throws IOException, InterruptedException {
        Path directory = Path.of("target/processes").toAbsolutePath();
        Path source = Files.writeString(directory.resolve("shift.c"), SHIFT);
        Path library = directory.resolve("shift.so");
        Process compiler = new ProcessBuilder("cc", "-shared", "-fPIC", "-o", library.toString(), source.toString())
                .inheritIO()
                .start();
        assertThat(compiler.waitFor()).isZero();
        return library.toString();
    }
}
