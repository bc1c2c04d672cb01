package dev.oms.job;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.time.Duration;
import org.hibernate.validator.constraints.time.DurationMax;
import org.hibernate.validator.constraints.time.DurationMin;

/** Settings for reading, settling and reconciling inventory jobs. */
@ConfigMapping(prefix = "oms.job")
public interface JobConfig {
    Consumer consumer();

    Reconciler reconciler();

    Gauges gauges();

    /** Settings of the gauges that workers publish. */
    interface Gauges {
        /** How often the gauges are refreshed; "off" for no gauges. */
        @WithDefault("off")
        String every();
    }

    /** Settings of the consumer. */
    interface Consumer {
        /** How soon a consumer that has ended is started again; "off" for no consumer. */
        @WithDefault("off")
        String every();

        /**
         * Maximum number of orders per transaction. A larger batch makes a hot item cheaper but holds its lock longer.
         */
        @WithDefault("500")
        @Min(1)
        @Max(10_000)
        int batchSize();

        /**
         * How long a read blocks while there is no job. Must be below the Redis client's time-out. A shutdown waits for
         * it.
         */
        @WithDefault("1s")
        @DurationMin(millis = 1)
        @DurationMax(seconds = 5)
        Duration block();

        /**
         * How long a worker that is alive may hold a job before another one claims it, because it must be stuck. Should
         * be far above the duration of a batch. The jobs of a dead worker are claimed within 7 s, plus the batch that
         * the other worker is settling.
         */
        @WithDefault("30s")
        @DurationMin(seconds = 1)
        Duration claimAfter();
    }

    /** Settings of the reconciler. */
    interface Reconciler {
        /** How often the reconciler runs; "off" for no reconciler. */
        @WithDefault("off")
        String every();

        /**
         * How much older than the oldest job an order must be to count as lost. Must exceed the time from the statement
         * that makes stock due to the arrival of its job in Redis. The clocks may differ.
         */
        @WithDefault("10s")
        @DurationMin(seconds = 1)
        Duration grace();

        /** Maximum number of orders sent again per transaction. */
        @WithDefault("1000")
        @Min(1)
        @Max(10_000)
        int pageSize();
    }
}
