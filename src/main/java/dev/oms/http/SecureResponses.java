package dev.oms.http;

import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/**
 * Adds to every response, whoever sends it, what keeps browsers and caches from misusing it, unless it says something
 * else itself:
 *
 * <ul>
 *   <li>{@code X-Content-Type-Options}: a browser does not take it for a page because of what is in it.
 *   <li>{@code Content-Security-Policy}: no other page embeds it and makes an operator click on it.
 *   <li>{@code Cache-Control}: caches must revalidate it, and keep only what has an {@code ETag} to revalidate it with.
 * </ul>
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2">RFC 9111 §5.2.2, Cache-Control</a>
 * @see <a href="https://www.w3.org/TR/CSP3/#directive-frame-ancestors">Content Security Policy, frame-ancestors</a>
 */
@ApplicationScoped
class SecureResponses {
    private static final CharSequence CONTENT_TYPE_OPTIONS = HttpHeaders.createOptimized("x-content-type-options");
    private static final CharSequence NO_SNIFF = HttpHeaders.createOptimized("nosniff");
    private static final CharSequence SECURITY_POLICY = HttpHeaders.createOptimized("content-security-policy");
    private static final CharSequence NO_FRAME = HttpHeaders.createOptimized("frame-ancestors 'none'");
    private static final CharSequence NO_STORE = HttpHeaders.createOptimized("no-store");
    private static final CharSequence REVALIDATE = HttpHeaders.createOptimized("private, no-cache");

    void install(@Observes Router router) {
        // A request without a Host has failed before the first handler.
        router.route()
                .order(FilterOrder.SECURE_RESPONSES.route())
                .handler(SecureResponses::secure)
                .failureHandler(SecureResponses::secure);
    }

    private static void secure(RoutingContext call) {
        call.addHeadersEndHandler(written -> secure(call.response().headers()));
        call.next();
    }

    static void secure(MultiMap headers) {
        headers.set(CONTENT_TYPE_OPTIONS, NO_SNIFF);
        if (!headers.contains(SECURITY_POLICY)) {
            headers.set(SECURITY_POLICY, NO_FRAME);
        }
        if (!headers.contains(HttpHeaders.CACHE_CONTROL)) {
            headers.set(HttpHeaders.CACHE_CONTROL, headers.contains(HttpHeaders.ETAG) ? REVALIDATE : NO_STORE);
        }
    }
}
