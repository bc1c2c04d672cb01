package dev.oms.http;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.net.URI;
import java.util.Set;

/**
 * Refuses with 403 a request that changes something and that a browser sends on behalf of a page of another origin.
 * Such a page cannot read the response, but without this it could cancel the orders of a shop that the operator's
 * browser can reach.
 *
 * <p>Browsers say where a request comes from in {@code Sec-Fetch-Site}, or, over plain HTTP, only in {@code Origin}. A
 * request with neither comes from a program, which may do whatever its user may.
 *
 * @see <a href="https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header">Fetch Metadata Request Headers</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6454#section-7">RFC 6454 §7, Origin</a>
 */
@ApplicationScoped
class RefuseCrossOriginWrites {
    private static final String SEC_FETCH_SITE = "Sec-Fetch-Site";

    /** The values of requests by the service's own pages, and by the user, such as from a bookmark. */
    private static final Set<String> OWN = Set.of("same-origin", "none");

    /** RFC 9110 §9.2.1. */
    private static final Set<HttpMethod> SAFE = Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS);

    private final WriteProblem writeProblem;

    RefuseCrossOriginWrites(WriteProblem writeProblem) {
        this.writeProblem = writeProblem;
    }

    void install(@Observes Filters filters) {
        filters.register(this::refuse, FilterOrder.REFUSE_CROSS_ORIGIN_WRITES.priority());
    }

    private void refuse(RoutingContext call) {
        if (SAFE.contains(call.request().method()) || isOwn(call.request())) {
            call.next();
        } else {
            writeProblem.write(call, Problem.of(403, "A page of another origin may not change anything."));
        }
    }

    private static boolean isOwn(HttpServerRequest request) {
        String site = request.getHeader(SEC_FETCH_SITE);
        if (site != null) {
            return OWN.contains(site);
        }
        String origin = request.getHeader(HttpHeaders.ORIGIN);
        return origin == null || isAt(origin, request.authority());
    }

    /**
     * Whether an origin has the host and port that the request was sent to. The schemes may differ: behind a gateway
     * that ends TLS, the request's is not the browser's.
     */
    private static boolean isAt(String origin, HostAndPort authority) {
        URI uri;
        try {
            uri = URI.create(origin);
        } catch (IllegalArgumentException e) {
            return false;
        }
        // "null" is the origin of a page that has none, and has no host.
        return uri.getHost() != null
                && authority != null
                && uri.getHost().equalsIgnoreCase(authority.host())
                && portOf(uri.getPort(), uri) == portOf(authority.port(), uri);
    }

    private static int portOf(int port, URI origin) {
        return port > 0 ? port : "https".equalsIgnoreCase(origin.getScheme()) ? 443 : 80;
    }
}
