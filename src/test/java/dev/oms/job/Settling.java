package dev.oms.job;

import dev.oms.PackagedWorker;
import jakarta.enterprise.inject.spi.CDI;
import java.util.stream.LongStream;

/**
 * Lets tests of other packages decide when stock is settled. In an integration test, creating one pauses the worker, so
 * that nothing else settles.
 */
public final class Settling {
    public Settling() {
        if (PackagedWorker.isRunning()) {
            PackagedWorker.pause();
        }
    }

    /** Settles these orders; in an integration test, all other due orders too. */
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
