package dev.oms.http;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.core.instrument.distribution.DistributionStatisticConfig;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Turns {@code http_server_requests_seconds} into a histogram and keeps values made up by clients out of its labels.
 * Requests that are answered before a resource is matched (headers too long, too many calls, an unknown method) would
 * otherwise add a series for every path and method that a client invents.
 */
class HttpMetrics {
    private static final String REQUESTS = "http.server.requests";
    private static final String OTHER = "OTHER";
    private static final String PORT = "server.port";

    /** The path templates of the resources; OpenApiTest fails when one is missing. */
    static final Set<String> PATHS = Set.of(
            "/api_keys",
            "/api_keys/current",
            "/api_keys/{id}",
            "/api_keys/{id}/revoke",
            "/api_keys/{id}/roll",
            "/events",
            "/flow",
            "/inventory_items",
            "/inventory_items/audit",
            "/inventory_items/{id}",
            "/inventory_items/{id}/adjust",
            "/inventory_items/{id}/movements",
            "/jobs",
            "/jobs/failed",
            "/jobs/failed/retry",
            "/jobs/failed/{order_id}",
            "/jobs/failed/{order_id}/retry",
            "/order_statuses",
            "/orders",
            "/orders/{id}",
            "/orders/{id}/cancel",
            "/orders/{id}/events",
            "/orders/{id}/movements",
            "/orders/{id}/update_status",
            "/users",
            "/users/{id}",
            "/users/{user_id}/orders",
            "/webhooks",
            "/webhooks/{id}",
            "/webhooks/{id}/attempts",
            "/webhooks/{id}/attempts/{attempt_id}/retry",
            "/webhooks/{id}/disable",
            "/webhooks/{id}/enable",
            "/webhooks/{id}/replay",
            "/webhooks/{id}/rotate_secret",
            "/webhooks/{id}/test",
            // Quarkus's labels for requests without a path template.
            "NOT_FOUND",
            "REDIRECTION",
            "UNKNOWN",
            "root");

    private static final Set<String> METHODS = Set.of("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT");

    private static final double[] BOUNDS_NANOS = {
        1e6, 2e6, 5e6, 10e6, 20e6, 50e6, 100e6, 200e6, 500e6, 1e9, 2e9, 5e9, 10e9
    };

    @Produces
    @Singleton
    MeterFilter bounded() {
        return new MeterFilter() {
            @Override
            public Meter.Id map(Meter.Id id) {
                if (!id.getName().equals(REQUESTS)) {
                    return withPort(id);
                }
                List<Tag> tags = new ArrayList<>();
                for (Tag tag : id.getTagsAsIterable()) {
                    tags.add(
                            switch (tag.getKey()) {
                                case "uri" -> knownOrOther(tag, PATHS);
                                case "method" -> knownOrOther(tag, METHODS);
                                default -> tag;
                            });
                }
                return id.replaceTags(tags);
            }

            @Override
            public DistributionStatisticConfig configure(Meter.Id id, DistributionStatisticConfig config) {
                return id.getName().equals(REQUESTS)
                        ? DistributionStatisticConfig.builder()
                                .serviceLevelObjectives(BOUNDS_NANOS)
                                .build()
                                .merge(config)
                        : config;
            }
        };
    }

    /**
     * Quarkus names a server's port in its other meters, unless the port is random. Prometheus refuses a second server
     * whose meters have other labels, and the start would wait for it forever.
     */
    private static Meter.Id withPort(Meter.Id id) {
        return id.getName().startsWith("http.server.") && id.getTag(PORT) == null
                ? id.withTag(Tag.of(PORT, "random"))
                : id;
    }

    private static Tag knownOrOther(Tag tag, Set<String> values) {
        return values.contains(tag.getValue()) ? tag : Tag.of(tag.getKey(), OTHER);
    }
}
