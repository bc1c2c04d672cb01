package dev.oms.http;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/**
 * What clients of the Rails service may add to a path or ask for besides the API.
 *
 * <ul>
 *   <li>A path may end in {@code .json}.
 *   <li>{@code /up} is Rails' health check: a green page as long as the process lives, for every load balancer that is
 *       set up for it. It says nothing about PostgreSQL or Redis; {@code /q/health/ready} does.
 * </ul>
 *
 * @see <a href="https://api.rubyonrails.org/classes/Rails/HealthController.html">Rails::HealthController</a>
 */
@ApplicationScoped
class RailsPaths {
    private static final int BEFORE_ADMISSION = 13_000;
    private static final String SUFFIX = ".json";
    private static final String STRIPPED = RailsPaths.class.getName() + ".stripped";
    private static final String UP = "<!DOCTYPE html><html><body style=\"background-color: green\"></body></html>";

    void install(@Observes Filters filters) {
        filters.register(RailsPaths::handle, BEFORE_ADMISSION);
    }

    private static void handle(RoutingContext call) {
        String path = call.request().path();
        if (path != null
                && path.startsWith("/")
                && path.endsWith(SUFFIX)
                && !path.startsWith("/q/")
                && call.get(STRIPPED) == null) {
            // Once: the number of suffixes is up to the client.
            call.put(STRIPPED, true);
            String query = call.request().query();
            String bare = path.substring(0, path.length() - SUFFIX.length());
            call.reroute(call.request().method(), query == null ? bare : bare + "?" + query);
        } else if ("/up".equals(path) && isRead(call.request().method())) {
            call.response()
                    .putHeader(HttpHeaders.CONTENT_TYPE, "text/html; charset=utf-8")
                    .end(UP);
        } else {
            call.next();
        }
    }

    private static boolean isRead(HttpMethod method) {
        return method.equals(HttpMethod.GET) || method.equals(HttpMethod.HEAD);
    }
}
