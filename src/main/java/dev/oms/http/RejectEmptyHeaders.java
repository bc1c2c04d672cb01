package dev.oms.http;

import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import org.jboss.resteasy.reactive.server.ServerRequestFilter;

/**
 * Rejects a write whose precondition or actor header is present but empty. JAX-RS would treat it as absent and do what
 * the client wanted to prevent. In a GET, which changes nothing, an empty header does count as absent.
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
