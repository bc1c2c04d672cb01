package dev.oms.start;

import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Clock;
import java.time.Duration;

/** The time, from outside: whoever needs it has a {@link Clock} injected. */
class Clocks {
    @Produces
    @Singleton
    Clock utc() {
        // PostgreSQL keeps microseconds: what is answered at once is then what is read later.
        return Clock.tick(Clock.systemUTC(), Duration.ofNanos(1000));
    }
}
