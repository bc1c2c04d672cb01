package dev.oms.order;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.time.Duration;
import org.hibernate.validator.constraints.time.DurationMax;
import org.hibernate.validator.constraints.time.DurationMin;

/** How long idempotency keys are kept, and how expired ones are purged. */
@ConfigMapping(prefix = "oms.idempotency")
public interface IdempotencyConfig {
    /** How long a key stays bound to its order: well beyond the time for which any client retries. */
    @WithDefault("24h")
    @DurationMin(seconds = 1)
    @DurationMax(days = 366)
    Duration keep();

    Purge purge();

    interface Purge {
        /** How often it runs; "off" disables it. */
        @WithDefault("off")
        String every();

        /** The maximum number of keys deleted in one transaction. */
        @WithDefault("1000")
        @Min(1)
        @Max(10_000)
        int batchSize();
    }
}
