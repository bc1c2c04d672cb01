package dev.oms.http;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.Locale;

/**
 * Makes every response JSON, whatever the client's {@code Accept} header says, unless it names server-sent events where
 * there are both: a server may disregard the header. Otherwise JAX-RS would write the {@code toString()} of an entity
 * as {@code text/html}, and fail on a header that it cannot parse. JAX-RS filters run after it has read the header, so
 * this is a Vert.x filter.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1">RFC 9110 §12.5.1, Accept</a>
 */
@ApplicationScoped
class OverrideAccept {
    private static final String STREAM = "text/event-stream";

    // What ranks lower is returned by a path that produces nothing else.
    private static final String JSON_FIRST = "application/json, text/event-stream;q=0.1";
    private static final String STREAM_FIRST = "text/event-stream, application/json;q=0.1";

    void install(@Observes Filters filters) {
        filters.register(OverrideAccept::override, FilterOrder.OVERRIDE_ACCEPT.priority());
    }

    private static void override(RoutingContext call) {
        if (!call.normalizedPath().startsWith("/q/")) {
            boolean asksForStream = call.get(StripJson.STRIPPED) == null
                    && call.request().headers().getAll(HttpHeaders.ACCEPT).stream()
                            .anyMatch(accept -> accept.toLowerCase(Locale.ROOT).contains(STREAM));
            call.request().headers().set(HttpHeaders.ACCEPT, asksForStream ? STREAM_FIRST : JSON_FIRST);
        }
        call.next();
    }
}
