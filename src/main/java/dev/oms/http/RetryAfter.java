package dev.oms.http;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/**
 * Adds {@code Retry-After} to every 503 that lacks it, whoever sends it: OMS, a health check, or Quarkus when it has no
 * thread left.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3">RFC 9110 §10.2.3, Retry-After</a>
 */
@ApplicationScoped
class RetryAfter {
    /** Enough for a queue to empty. {@link ProblemMappers} asks for more when the database is unavailable. */
    private static final String SECONDS = "1";

    void install(@Observes Filters filters) {
        filters.register(RetryAfter::add, FilterOrder.RETRY_AFTER.priority());
    }

    private static void add(RoutingContext call) {
        HttpServerResponse response = call.response();
        call.addHeadersEndHandler(written -> {
            if (response.getStatusCode() == 503 && !response.headers().contains(HttpHeaders.RETRY_AFTER)) {
                response.putHeader(HttpHeaders.RETRY_AFTER, SECONDS);
            }
        });
        call.next();
    }
}
