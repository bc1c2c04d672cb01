package dev.oms.inventory;

import dev.oms.http.Bodies;
import dev.oms.http.Texts;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;

/**
 * An adjustment of an item's quantity as a client sends it.
 *
 * @param delta the units to add, or to take away if negative; not 0
 * @param reference the document behind it, such as a delivery note, or null
 */
@Bodies.IgnoresEcho
record AdjustmentBody(
        @NotNull @Min(-InventoryItem.QUANTITY_MAX) @Max(InventoryItem.QUANTITY_MAX)
        Long delta,

        @NotNull @Size(max = Texts.NAME_MAX) @Pattern(regexp = Texts.PRINTABLE, message = Texts.PRINTABLE_MESSAGE)
        String reason,

        @Size(max = Texts.NAME_MAX) @Pattern(regexp = Texts.PRINTABLE, message = Texts.PRINTABLE_MESSAGE)
        String reference) {}
