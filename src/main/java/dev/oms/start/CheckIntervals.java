package dev.oms.start;

import io.quarkus.runtime.StartupEvent;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.quarkus.runtime.configuration.DurationConverter;
import io.quarkus.scheduler.common.runtime.util.SchedulerUtils;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.interceptor.Interceptor;
import java.time.Duration;
import java.util.List;
import org.eclipse.microprofile.config.Config;

/**
 * Fails the start if an interval ({@link #SETTINGS}) is neither {@code off} nor at least one second. The scheduler
 * would run a shorter one once a second or never.
 */
@ApplicationScoped
public class CheckIntervals {
    /** All settings that say how often something is done. */
    public static final List<String> SETTINGS = List.of(
            "oms.job.consumer.every",
            "oms.job.reconciler.every",
            "oms.job.gauges.every",
            "oms.audit.poll.every",
            "oms.audit.every",
            "oms.flow.every",
            "oms.idempotency.purge.every",
            "oms.access.last-uses.every",
            "oms.webhooks.dispatcher.every",
            "oms.webhooks.purge.every");

    private static final Duration MIN = Duration.ofSeconds(1);

    // Before the scheduler reads them.
    void onStart(@Observes @Priority(Interceptor.Priority.PLATFORM_BEFORE - 1) StartupEvent event, Config config) {
        for (String name : SETTINGS) {
            if (!isValid(config.getConfigValue(name).getValue())) {
                throw new ConfigurationException(name + " must be off or a duration of at least 1s, such as 5s.");
            }
        }
    }

    private static boolean isValid(String every) {
        try {
            return every != null
                    && (SchedulerUtils.isOff(every)
                            // Null for an empty value.
                            || DurationConverter.parseDuration(every) instanceof Duration duration
                                    && duration.compareTo(MIN) >= 0);
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
