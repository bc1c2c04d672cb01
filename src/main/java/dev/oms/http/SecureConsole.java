package dev.oms.http;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * Guards the console, static files under {@code /console/}, which Quarkus serves.
 *
 * <ul>
 *   <li>A browser takes scripts, styles and data from this service alone, and shows the console in no other page: names
 *       are chosen by strangers, and what an operator clicks moves stock.
 *   <li>Its files are asked for anew each time, so that those of two releases never meet.
 *   <li>A worker, which has no resources for it to call, does not have it.
 * </ul>
 *
 * @see <a href="https://www.w3.org/TR/CSP3/">Content Security Policy Level 3</a>
 */
@ApplicationScoped
class SecureConsole {
    private static final int AFTER_ADMISSION = 8_000;
    private static final String PATH = "/console";
    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
            + "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private final WriteProblem writeProblem;
    private final boolean isServed;

    SecureConsole(WriteProblem writeProblem, @ConfigProperty(name = "oms.api") String api) {
        this.writeProblem = writeProblem;
        this.isServed = !api.equals("off");
    }

    void install(@Observes Filters filters) {
        filters.register(this::secure, AFTER_ADMISSION);
    }

    private void secure(RoutingContext call) {
        String path = call.normalizedPath();
        if (!path.equals(PATH) && !path.startsWith(PATH + "/")) {
            call.next();
        } else if (!isServed) {
            writeProblem.write(call, Problem.of(404, "There is nothing at " + path + "."));
        } else if (path.equals(PATH)) {
            call.response()
                    .setStatusCode(302)
                    .putHeader(HttpHeaders.LOCATION, PATH + "/")
                    .end();
        } else {
            MultiMap headers = call.response().headers();
            headers.set("Content-Security-Policy", POLICY);
            headers.set("X-Content-Type-Options", "nosniff");
            headers.set("Referrer-Policy", "no-referrer");
            headers.set(HttpHeaders.CACHE_CONTROL, "no-cache");
            call.next();
        }
    }
}
