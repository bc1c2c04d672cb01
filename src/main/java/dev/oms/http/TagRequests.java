package dev.oms.http;

import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.regex.Pattern;
import org.jboss.logging.MDC;

/**
 * Returns a call's {@code X-Request-Id} with its response, and puts it into what is logged for the call, as
 * {@code request_id}. An id that a log should not hold is ignored, as is a missing one: OMS makes up none.
 */
@ApplicationScoped
class TagRequests {
    private static final CharSequence NAME = HttpHeaders.createOptimized("x-request-id");
    private static final Pattern ID = Pattern.compile("[A-Za-z0-9._-]{1,128}");

    void install(@Observes Router router) {
        router.route()
                .order(FilterOrder.TAG_REQUESTS.route())
                .handler(TagRequests::tag)
                .failureHandler(TagRequests::tag);
    }

    private static void tag(RoutingContext call) {
        String id = call.request().getHeader(NAME);
        if (id != null && ID.matcher(id).matches()) {
            call.response().putHeader(NAME, id);
            // Belongs to the call, not to the thread: Quarkus keeps it in the call's Vert.x context, which a virtual
            // thread inherits.
            MDC.put("request_id", id);
        }
        call.next();
    }
}
