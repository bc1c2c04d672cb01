package dev.oms.http;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/**
 * Makes every response JSON, whatever the client's {@code Accept} header says: JSON is the only representation, and a
 * server may disregard the header. Otherwise JAX-RS would write the {@code toString()} of an entity as
 * {@code text/html}, and fail on a header that it cannot parse. JAX-RS filters run after it has read the header, so
 * this is a Vert.x filter.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1">RFC 9110 §12.5.1, Accept</a>
 */
@ApplicationScoped
class OverrideAccept {
    // Event streams rank lower, so that only a path that produces nothing else returns one.
    private static final String ACCEPT = "application/json, text/event-stream;q=0.1";

    void install(@Observes Filters filters) {
        filters.register(OverrideAccept::override, FilterOrder.OVERRIDE_ACCEPT.priority());
    }

    private static void override(RoutingContext call) {
        if (!call.normalizedPath().startsWith("/q/")) {
            call.request().headers().set(HttpHeaders.ACCEPT, ACCEPT);
        }
        call.next();
    }
}
