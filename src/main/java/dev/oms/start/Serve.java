package dev.oms.start;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusApplication;
import io.quarkus.scheduler.Scheduler;

/**
 * Web and workers: runs the scheduled methods from now on, and serves until the process is told to stop. {@code Main}
 * halts the scheduler until then. Otherwise they would run before the start is over, and if it fails, their stack
 * traces would surround the sentence that says why.
 */
public class Serve implements QuarkusApplication {
    private final Scheduler scheduler;

    Serve(Scheduler scheduler) {
        this.scheduler = scheduler;
    }

    @Override
    public int run(String... args) {
        scheduler.resume();
        Quarkus.waitForExit();
        return 0;
    }
}
