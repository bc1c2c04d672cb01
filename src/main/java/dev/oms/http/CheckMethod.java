package dev.oms.http;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.Set;

/**
 * Answers {@code OPTIONS} with the methods of the path. JAX-RS would list those of all the paths that share a resource
 * class. Also refuses the API document to other methods than {@code GET} and {@code HEAD}: Quarkus would send it
 * whatever the method.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-9.3.7">RFC 9110 §9.3.7, OPTIONS</a>
 */
@ApplicationScoped
class CheckMethod {
    private final WriteProblem writeProblem;

    CheckMethod(WriteProblem writeProblem) {
        this.writeProblem = writeProblem;
    }

    void install(@Observes Filters filters) {
        filters.register(this::check, FilterOrder.CHECK_METHOD.priority());
    }

    private void check(RoutingContext call) {
        String path = call.normalizedPath();
        if (path.startsWith("/q/openapi")
                && !AllowedMethods.READ.contains(call.request().method().name())) {
            writeProblem.notAllowed(call, AllowedMethods.READ);
            return;
        }
        if (!call.request().method().equals(HttpMethod.OPTIONS) || path.startsWith("/q/")) {
            call.next();
            return;
        }
        Set<String> allowed = AllowedMethods.of(path);
        if (allowed.isEmpty()) {
            writeProblem.write(call, Problem.ofNothingAt(path));
        } else {
            call.response()
                    .putHeader(HttpHeaders.ALLOW, String.join(", ", allowed))
                    .end();
        }
    }
}
