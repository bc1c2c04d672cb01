package dev.oms.inventory;

import io.quarkus.hibernate.orm.panache.PanacheRepository;
import io.quarkus.panache.common.Sort;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;

/** The ledger. */
@ApplicationScoped
class StockMovements implements PanacheRepository<StockMovement> {
    /** An item's movements, newest first. */
    List<StockMovement> of(long itemId, Long after, int rows) {
        return find(
                        "inventoryItemId = ?1 and id < ?2",
                        Sort.descending("id"),
                        itemId,
                        after == null ? Long.MAX_VALUE : after)
                .range(0, rows - 1)
                .list();
    }
}
