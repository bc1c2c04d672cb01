package dev.oms.http;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/**
 * {@code GET /up}, Rails' health check: a green page as long as the process lives, for every load balancer that is set
 * up for it. It says nothing about PostgreSQL or Redis; {@code /q/health/ready}, on the management port, does.
 *
 * @see <a href="https://api.rubyonrails.org/classes/Rails/HealthController.html">Rails::HealthController</a>
 */
@ApplicationScoped
class AnswerUp {
    private static final String PAGE = "<!DOCTYPE html><html><body style=\"background-color: green\"></body></html>";

    private final WriteProblem writeProblem;

    AnswerUp(WriteProblem writeProblem) {
        this.writeProblem = writeProblem;
    }

    void install(@Observes Filters filters) {
        filters.register(this::answer, FilterOrder.ANSWER_UP.priority());
    }

    private void answer(RoutingContext call) {
        if (!"/up".equals(call.request().path())) {
            call.next();
        } else if (AllowedMethods.READ.contains(call.request().method().name())) {
            call.response()
                    .putHeader(HttpHeaders.CONTENT_TYPE, "text/html; charset=utf-8")
                    .end(PAGE);
        } else {
            writeProblem.notAllowed(call, AllowedMethods.READ);
        }
    }
}
