package dev.oms.http;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/**
 * Secures the console, the static files under {@code /console/} that Quarkus serves.
 *
 * <ul>
 *   <li>Browsers load scripts, styles and data from this service only and do not embed the console in other pages: it
 *       shows names chosen by strangers, and an operator's clicks move stock.
 *   <li>Browsers revalidate its files on every load, so that files of two releases never mix.
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

    void install(@Observes Filters filters) {
        filters.register(SecureConsole::secure, AFTER_ADMISSION);
    }

    private static void secure(RoutingContext call) {
        String path = call.normalizedPath();
        if (!path.equals(PATH) && !path.startsWith(PATH + "/")) {
            call.next();
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
