package dev.oms.job;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.time.Duration;
import org.hibernate.validator.constraints.time.DurationMax;
import org.hibernate.validator.constraints.time.DurationMin;

/** How inventory jobs are read, settled and found again. */
@ConfigMapping(prefix = "oms.job")
public interface JobConfig {
    /** The consumer. */
    Consumer consumer();

    /** The reconciler. */
    Reconciler reconciler();

    /** The gauges. */
    Gauges gauges();

    /** The gauges' settings. */
    interface Gauges {
        /** How often is looked at what they show; "off" where they are not shown. */
        @WithDefault("off")
        String every();
    }

    /** The consumer's settings. */
    interface Consumer {
        /** How soon a consumer that has ended is started again; "off" where there is none. */
        @WithDefault("off")
        String every();

        /** The most orders of a transaction: more makes a hot item cheaper, and holds its lock longer. */
        @WithDefault("500")
        @Min(1)
        @Max(10_000)
        int batchSize();

        /** How long a read waits for a job; below the Redis client's time-out, and as long as a stop takes. */
        @WithDefault("1s")
        @DurationMin(millis = 1)
        @DurationMax(seconds = 5)
        Duration block();

        /** How long a job may stay with a worker before another takes it; far above what a batch takes. */
        @WithDefault("30s")
        @DurationMin(seconds = 1)
        Duration claimAfter();
    }

    /** The reconciler's settings. */
    interface Reconciler {
        /** How often it looks; "off" where there is none. */
        @WithDefault("off")
        String every();

        /** How much older than the oldest job an order must be to be lost; above any difference of clocks. */
        @WithDefault("10s")
        @DurationMin(seconds = 1)
        Duration grace();

        /** The most orders that are sent again at once. */
        @WithDefault("1000")
        @Min(1)
        @Max(10_000)
        int pageSize();
    }
}
