package dev.oms.http;

import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import org.jboss.resteasy.reactive.server.ServerRequestFilter;

/**
 * Refuses a change with a header that is there but empty where it says what must not happen. JAX-RS would take it for
 * absent, and what its client wanted to prevent would be done. A read changes nothing, so there it is as good as
 * absent.
 */
class RejectEmptyHeaders {
    private static final List<String> NAMES = List.of(IdempotencyKey.HEADER, IfMatch.HEADER, Actor.HEADER);

    @ServerRequestFilter
    void reject(HttpServerRequest request) {
        if (request.method().equals(HttpMethod.GET)) {
            return;
        }
        for (String name : NAMES) {
            if (request.headers().contains(name)
                    && request.headers().getAll(name).contains("")) {
                throw ProblemException.malformed(name + " must not be empty.");
            }
        }
    }
}
