package dev.oms.http;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * Secures the console, the static files under {@code /console/} that Quarkus serves, and Swagger UI.
 *
 * <ul>
 *   <li>Browsers load scripts, styles and data from this service only and do not embed the console in other pages: it
 *       shows names chosen by strangers, and an operator's clicks move stock.
 *   <li>Browsers revalidate its files on every load, so that an old file is never used after an upgrade.
 *   <li>A browser that asks for {@code /} is led to it.
 * </ul>
 *
 * @see <a href="https://www.w3.org/TR/CSP3/">Content Security Policy Level 3</a>
 */
@ApplicationScoped
class SecureConsole {
    private static final String PATH = "/console";
    private static final String SWAGGER_UI = "/q/swagger-ui";
    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
            + "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    // The scripts and styles within Quarkus's page are part of OMS, like its files.
    private static final String SWAGGER_UI_POLICY = POLICY.replace(
                    "script-src 'self'", "script-src 'self' 'unsafe-inline'")
            .replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");

    private final WriteProblem writeProblem;
    private final boolean hasSwaggerUi;

    SecureConsole(
            WriteProblem writeProblem, @ConfigProperty(name = "quarkus.swagger-ui.enabled") boolean hasSwaggerUi) {
        this.writeProblem = writeProblem;
        this.hasSwaggerUi = hasSwaggerUi;
    }

    void install(@Observes Filters filters) {
        filters.register(this::secure, FilterOrder.SECURE_CONSOLE.priority());
    }

    private void secure(RoutingContext call) {
        String path = call.normalizedPath();
        if (path.equals("/") && wantsAPage(call)) {
            redirect(call);
        } else if (path.equals(SWAGGER_UI) || path.startsWith(SWAGGER_UI + "/")) {
            if (hasSwaggerUi) {
                secure(call.response().headers(), SWAGGER_UI_POLICY);
                call.next();
            } else {
                // Quarkus's has no body.
                writeProblem.write(call, Problem.ofNothingAt(path));
            }
        } else if (!path.equals(PATH) && !path.startsWith(PATH + "/")) {
            call.next();
        } else if (!AllowedMethods.READ.contains(call.request().method().name())) {
            writeProblem.notAllowed(call, AllowedMethods.READ);
        } else if (path.equals(PATH)) {
            redirect(call);
        } else {
            MultiMap headers = call.response().headers();
            secure(headers, POLICY);
            headers.set(HttpHeaders.CACHE_CONTROL, "no-cache");
            call.next();
        }
    }

    private static void secure(MultiMap headers, String policy) {
        headers.set("Content-Security-Policy", policy);
        headers.set("Referrer-Policy", "no-referrer");
    }

    /** Whether a browser asks, and not a client of the API, which gets a 404. */
    private static boolean wantsAPage(RoutingContext call) {
        String accepted = call.request().getHeader(HttpHeaders.ACCEPT);
        return accepted != null && accepted.contains("text/html");
    }

    private static void redirect(RoutingContext call) {
        call.response()
                .setStatusCode(302)
                .putHeader(HttpHeaders.LOCATION, PATH + "/")
                .end();
    }
}
