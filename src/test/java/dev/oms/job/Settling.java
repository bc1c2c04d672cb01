package dev.oms.job;

import jakarta.enterprise.context.ApplicationScoped;
import java.util.stream.LongStream;

/** Lets the other rooms' tests say when stock is settled. */
@ApplicationScoped
public class Settling {
    private final SettleStock settleStock;

    Settling(SettleStock settleStock) {
        this.settleStock = settleStock;
    }

    public void settle(long... orderIds) {
        settleStock.settle(LongStream.of(orderIds).boxed().toList());
    }
}
