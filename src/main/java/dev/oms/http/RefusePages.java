package dev.oms.http;

import io.netty.util.NetUtil;
import io.quarkus.vertx.http.ManagementInterface;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.Set;

/**
 * Refuses on the management port what a page in a browser may read.
 *
 * <ul>
 *   <li>What has an {@code Origin}, which probes and Prometheus do not send: Quarkus would let a page of any origin
 *       read the metrics.
 *   <li>What was sent to a name that somebody else may own. Such a name can be made to resolve to this process (DNS
 *       rebinding); to the browser, a page of that name then has the same origin as the metrics, and its requests have
 *       no {@code Origin} and, over plain HTTP, no {@code Sec-Fetch-Site} either. But a page cannot change its
 *       {@code Host}. Nobody outside can own an IP address or a name without a dot.
 * </ul>
 */
@ApplicationScoped
class RefusePages {
    private final Set<String> hosts;

    RefusePages(HttpConfig config) {
        this.hosts = config.managementHosts().orElse(Set.of());
    }

    void install(@Observes ManagementInterface management) {
        // After Quarkus's handlers of the same order, which allow every origin.
        management.router().route().order(Integer.MIN_VALUE).handler(this::refuse);
    }

    private void refuse(RoutingContext call) {
        if (call.request().headers().contains(HttpHeaders.ORIGIN) || !isOwn(call.request())) {
            call.response().headers().remove(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN);
            call.response().setStatusCode(403).end();
        } else {
            call.next();
        }
    }

    private boolean isOwn(HttpServerRequest request) {
        HostAndPort authority = request.authority();
        // No browser sends none.
        return authority == null || isOwn(authority.host());
    }

    private boolean isOwn(String host) {
        return host.indexOf('.') < 0
                || NetUtil.isValidIpV4Address(host)
                || host.startsWith("[")
                || hosts.stream().anyMatch(host::equalsIgnoreCase);
    }
}
