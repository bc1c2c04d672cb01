package dev.oms.http;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/**
 * Lets a path of the API end in {@code .json}, as clients of the Rails service write it. Before it there must be
 * something: {@code /orders/.json} is not the list.
 */
@ApplicationScoped
class StripJson {
    private static final String SUFFIX = ".json";
    /** The attribute of a call whose path did. */
    static final String STRIPPED = StripJson.class.getName() + ".stripped";

    private final WriteProblem writeProblem;

    StripJson(WriteProblem writeProblem) {
        this.writeProblem = writeProblem;
    }

    void install(@Observes Filters filters) {
        filters.register(this::strip, FilterOrder.STRIP_JSON.priority());
    }

    private void strip(RoutingContext call) {
        String path = call.request().path();
        if (path != null
                && path.startsWith("/")
                && path.endsWith(SUFFIX)
                && !path.startsWith("/q/")
                && call.get(STRIPPED) == null) {
            if (path.endsWith("/" + SUFFIX)) {
                writeProblem.write(call, Problem.ofNothingAt(path));
                return;
            }
            // Once: the number of suffixes is up to the client.
            call.put(STRIPPED, true);
            String query = call.request().query();
            String bare = path.substring(0, path.length() - SUFFIX.length());
            call.reroute(call.request().method(), query == null ? bare : bare + "?" + query);
        } else {
            call.next();
        }
    }
}
