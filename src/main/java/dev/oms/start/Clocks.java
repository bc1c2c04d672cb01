package dev.oms.start;

import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Clock;
import java.time.Duration;

class Clocks {
    @Produces
    @Singleton
    Clock utc() {
        // PostgreSQL keeps microseconds. With a finer clock, a response would differ from what is read back later.
        return Clock.tick(Clock.systemUTC(), Duration.ofNanos(1000));
    }
}
