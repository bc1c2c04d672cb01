package dev.oms.http;

import io.quarkus.vertx.http.ManagementInterface;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/**
 * Refuses on the management port what a page in a browser sends: no page of another site can read it. Probes and
 * Prometheus send no {@code Origin}; Quarkus would let a page of any origin read the metrics.
 */
@ApplicationScoped
class RefusePages {
    void install(@Observes ManagementInterface management) {
        // After Quarkus's handlers of the same order, which allow every origin.
        management.router().route().order(Integer.MIN_VALUE).handler(RefusePages::refuse);
    }

    private static void refuse(RoutingContext call) {
        if (call.request().headers().contains(HttpHeaders.ORIGIN)) {
            call.response().headers().remove(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN);
            call.response().setStatusCode(403).end();
        } else {
            call.next();
        }
    }
}
