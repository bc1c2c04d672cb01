package dev.oms.http;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/**
 * Answers JSON whatever a client accepts: there is nothing else to be had, and a resource may disregard what a client
 * would rather have. JAX-RS would write the {@code toString()} of what it is given as {@code text/html}, and fail over
 * an {@code Accept} that it cannot parse. It reads the header itself, so this cannot be a filter of its own kind.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1">RFC 9110 §12.5.1, Accept</a>
 */
@ApplicationScoped
class OverrideAccept {
    private static final int AFTER_ADMISSION = 9_000;

    // A stream of events is asked for by its path, too, and anything else is not to become one.
    private static final String ACCEPT = "application/json, text/event-stream;q=0.1";

    void install(@Observes Filters filters) {
        filters.register(OverrideAccept::override, AFTER_ADMISSION);
    }

    private static void override(RoutingContext call) {
        if (!call.normalizedPath().startsWith("/q/")) {
            call.request().headers().set(HttpHeaders.ACCEPT, ACCEPT);
        }
        call.next();
    }
}
