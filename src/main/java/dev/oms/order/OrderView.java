package dev.oms.order;

import com.fasterxml.jackson.annotation.JsonIgnore;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.Instant;
import java.util.Map;

/**
 * An order on the wire.
 *
 * @param items quantities by the name that the item was ordered under
 * @param version the value of its {@code ETag}
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
