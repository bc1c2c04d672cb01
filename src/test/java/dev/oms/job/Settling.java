package dev.oms.job;

import dev.oms.PackagedWorker;
import jakarta.enterprise.inject.spi.CDI;
import java.util.stream.LongStream;

/** Lets the other rooms' tests say when stock is settled; from the first of it on, nobody else does. */
public final class Settling {
    public Settling() {
        if (PackagedWorker.isRunning()) {
            PackagedWorker.pause();
        }
    }

    /** Settles these orders, and in the packaged application all others that wait, too. */
    public void settle(long... orderIds) {
        if (PackagedWorker.isRunning()) {
            PackagedWorker.settle();
        } else {
            CDI.current()
                    .select(SettleStock.class)
                    .get()
                    .settle(LongStream.of(orderIds).boxed().toList());
        }
    }
}
