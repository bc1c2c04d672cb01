package dev.oms.order;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.NameBinding;
import jakarta.ws.rs.container.ContainerResponseContext;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import org.jboss.resteasy.reactive.server.ServerResponseFilter;

/**
 * Counts calls to place an order by outcome: successes after the commit, whether or not the client is still there;
 * failures once the response is known.
 */
@ApplicationScoped
public class PlacementMetrics {
    /** Marks a resource method that places an order. */
    @NameBinding
    @Retention(RetentionPolicy.RUNTIME)
    @interface Counted {}

    private final Counter placed;
    private final Counter replayed;
    private final Counter refused;
    private final Counter failed;

    PlacementMetrics(MeterRegistry meters) {
        placed = counter(meters, "placed");
        replayed = counter(meters, "replayed");
        refused = counter(meters, "refused");
        failed = counter(meters, "failed");
    }

    private static Counter counter(MeterRegistry meters, String outcome) {
        return Counter.builder("oms.orders.placed")
                .description("Calls to place an order: placed, replayed, refused (4xx) or failed (5xx).")
                .tag("outcome", outcome)
                .register(meters);
    }

    @Counted
    @ServerResponseFilter
    void count(ContainerResponseContext response) {
        int status = response.getStatus();
        if (status >= 500) {
            failed.increment();
        } else if (status >= 400) {
            refused.increment();
        }
    }

    void succeeded(PlaceOnce.Placed order) {
        (order.replayed() ? replayed : placed).increment();
    }

    /** The number of orders placed since the process started. */
    public long placed() {
        return (long) placed.count();
    }
}
