package dev.oms.order;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.time.Duration;
import org.hibernate.validator.constraints.time.DurationMax;
import org.hibernate.validator.constraints.time.DurationMin;

/** How long idempotency keys count, and how they are purged after that. */
@ConfigMapping(prefix = "oms.idempotency")
public interface IdempotencyConfig {
    /** How long a key stands for its order; well above the time for which any client tries again. */
    @WithDefault("24h")
    @DurationMin(seconds = 1)
    @DurationMax(days = 366)
    Duration keep();

    /** The purge. */
    Purge purge();

    /** The purge's settings. */
    interface Purge {
        /** How often it looks; "off" where there is none. */
        @WithDefault("off")
        String every();

        /** The most keys that go in one transaction. */
        @WithDefault("1000")
        @Min(1)
        @Max(10_000)
        int batchSize();
    }
}
