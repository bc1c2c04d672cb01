package dev.oms.http;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.List;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * In a worker ({@code oms.api=off}), answers 404 to everything but health checks and metrics. This is decided at the
 * start, not at build time, because one native binary runs in both roles.
 */
@ApplicationScoped
class HideApi {
    private static final List<String> VISIBLE = List.of("/q/health", "/q/metrics");

    private final WriteProblem writeProblem;
    private final boolean isHidden;

    HideApi(WriteProblem writeProblem, @ConfigProperty(name = "oms.api") boolean isServed) {
        this.writeProblem = writeProblem;
        this.isHidden = !isServed;
    }

    void install(@Observes Filters filters) {
        if (isHidden) {
            filters.register(this::hide, FilterOrder.HIDE_API.priority());
        }
    }

    private void hide(RoutingContext call) {
        String path = call.normalizedPath();
        if (VISIBLE.stream().anyMatch(visible -> path.equals(visible) || path.startsWith(visible + "/"))) {
            call.next();
        } else {
            writeProblem.write(call, Problem.of(404, "A worker serves only health checks and metrics."));
        }
    }
}
