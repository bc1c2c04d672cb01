package dev.oms.inventory;

import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import dev.oms.http.Bodies;
import dev.oms.http.RefuseNull;
import dev.oms.http.Texts;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import jakarta.validation.groups.Default;

/**
 * An item as a client sends it, bare or as {@code {"inventory_item":{…}}}. A null is refused: in a change it would have
 * no effect.
 *
 * @param name in the form of {@link Texts#normalizeName}, however it was sent
 * @param quantity a change is limited by {@link InventoryItem#correct}
 * @param reason the reason for a correction of the quantity, for the ledger
 */
record InventoryItemBody(
        @JsonDeserialize(using = RefuseNull.Text.class)
        @NotNull(groups = OnCreate.class)
        @Size(max = Texts.NAME_MAX)
        @Pattern(regexp = Texts.PRINTABLE, message = Texts.PRINTABLE_MESSAGE)
        String name,

        @JsonDeserialize(using = RefuseNull.Number.class)
        @NotNull(groups = OnCreate.class)
        @Min(0)
        @Max(value = InventoryItem.QUANTITY_MAX, groups = OnCreate.class)
        Long quantity,

        @JsonDeserialize(using = RefuseNull.Number.class)
        @NotNull(groups = OnCreate.class)
        @Min(0)
        @Max(InventoryItem.QUANTITY_MAX)
        Long threshold,

        @JsonDeserialize(using = RefuseNull.Text.class)
        @Size(max = Texts.NAME_MAX)
        @Pattern(regexp = Texts.PRINTABLE, message = Texts.PRINTABLE_MESSAGE)
        String reason,

        InventoryItemBody inventoryItem)
        implements Bodies.Wrapped<InventoryItemBody> {

    InventoryItemBody {
        name = name == null ? null : Texts.normalizeName(name);
    }

    /** The constraints on a new item, which must be complete; a change may contain any subset of the fields. */
    interface OnCreate extends Default {}

    /** Whether there is nothing to change. */
    boolean isEmpty() {
        return name == null && quantity == null && threshold == null;
    }

    @Override
    public InventoryItemBody wrapped() {
        return inventoryItem;
    }

    @Override
    public boolean hasBareFields() {
        return name != null || quantity != null || threshold != null || reason != null;
    }
}
