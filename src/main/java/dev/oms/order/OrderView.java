package dev.oms.order;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.Instant;
import java.util.Map;
import java.util.Set;

/**
 * An order on the wire.
 *
 * @param items quantities by the name that the item was ordered under
 * @param shortItems the items that were lacking when it was rejected, by the same names; null if there were none, or if
 *     it was rejected before V17
 * @param version the value of its {@code ETag}
 */
@RegisterForReflection
record OrderView(
        long id,
        long userId,
        OrderStatus status,
        Map<String, Long> items,

        @JsonProperty("short") @JsonInclude(JsonInclude.Include.NON_NULL)
        Set<String> shortItems,

        Instant createdAt,
        Instant updatedAt,
        @JsonIgnore long version) {
    /** Whether its stock has been settled, or will not be. */
    boolean isSettled() {
        return !status.awaitsDeduction();
    }

    String tag() {
        return Long.toString(version);
    }
}
