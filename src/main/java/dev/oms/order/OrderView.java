package dev.oms.order;

import com.fasterxml.jackson.annotation.JsonIgnore;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.Instant;
import java.util.Map;

/**
 * An order on the wire.
 *
 * @param items how many of what, by the name that the item has now
 * @param version what its {@code ETag} tells
 */
@RegisterForReflection
record OrderView(
        long id,
        long userId,
        OrderStatus status,
        Map<String, Long> items,
        Instant createdAt,
        Instant updatedAt,
        @JsonIgnore long version) {
    String tag() {
        return Long.toString(version);
    }
}
