package dev.oms.http;

import io.quarkus.vertx.http.ManagementInterface;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Map;

/**
 * Rejects with a problem requests whose URI or headers are too long or invalid, such as {@code /orders/%zz}, or without
 * exactly one {@code Host}. The HTTP server alone would reject them without an explanation, or with internal details.
 * Quarkus does not check the URI itself ({@link #URI_CHECK_OFF}).
 */
@ApplicationScoped
public class CheckRequestHead {
    /**
     * The system property that keeps Quarkus from answering an invalid URI, with an empty body, before any route. To be
     * set before Quarkus is initialized: by {@code Main}, for the tests by {@code pom.xml}, and for the build of the
     * native binary by {@code application.properties}.
     */
    public static final String URI_CHECK_OFF = "vertx.disableURIValidation";

    /** The minimum that RFC 9110 §4.1 recommends. */
    private static final int URI_MAX_CHARS = 8_000;

    private static final int HEADERS_MAX_CHARS = 16_000;

    private final WriteProblem writeProblem;

    CheckRequestHead(WriteProblem writeProblem) {
        this.writeProblem = writeProblem;
    }

    void install(@Observes Router router) {
        router.route()
                .order(FilterOrder.CHECK_REQUEST_HEAD.route())
                .handler(this::check)
                .failureHandler(this::writeRejection);
    }

    /** Otherwise Quarkus logs each with a stack trace. */
    void installForManagement(@Observes ManagementInterface management) {
        management
                .router()
                .route()
                .order(FilterOrder.CHECK_REQUEST_HEAD.route())
                .handler(this::checkUri);
    }

    private void check(RoutingContext call) {
        HttpServerRequest request = call.request();
        if (request.uri().length() > URI_MAX_CHARS) {
            writeProblem.write(call, Problem.of(414, "The URI is longer than " + URI_MAX_CHARS + " characters."));
        } else if (lengthOf(request.headers()) > HEADERS_MAX_CHARS) {
            writeProblem.write(
                    call, Problem.of(431, "The headers are longer than " + HEADERS_MAX_CHARS + " characters."));
        } else if (request.headers().getAll(HttpHeaders.HOST).size() > 1) {
            writeProblem.write(call, Problem.of(400, "There is more than one Host."));
        } else {
            checkUri(call);
        }
    }

    private void checkUri(RoutingContext call) {
        try {
            new URI(call.request().uri());
        } catch (URISyntaxException e) {
            writeProblem.write(
                    call,
                    Problem.of(
                            400,
                            "The URI has a character or an escape that is not allowed, at position %d."
                                    .formatted(e.getIndex() + 1)));
            return;
        }
        // JAX-RS would ignore them, and answer /orders;status=Pending with every order.
        String path = call.request().path();
        if (path != null && path.indexOf(';') >= 0) {
            writeProblem.write(call, Problem.ofNothingAt(path));
        } else {
            call.next();
        }
    }

    private static int lengthOf(Iterable<Map.Entry<String, String>> headers) {
        int length = 0;
        for (Map.Entry<String, String> header : headers) {
            length += header.getKey().length() + header.getValue().length();
        }
        return length;
    }

    private void writeRejection(RoutingContext call) {
        if (LimitReceiving.isOver(call)) {
            call.next();
        } else if (call.statusCode() == 400) {
            writeProblem.write(call, Problem.of(400, "The request cannot be understood."));
        } else if (call.statusCode() == 404) {
            // Also of a path that does not begin with a slash.
            writeProblem.write(
                    call, Problem.ofNothingAt(String.valueOf(call.request().path())));
        } else {
            call.next();
        }
    }
}
