package dev.oms.fault;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A web that is killed while it takes orders. */
@ExtendWith(FaultSuite.class)
class WebFaultIT {
    @Test
    void survivesTheLossOfWebWhilePlacing(Cluster cluster, Random random) throws Exception {
        int kills = 5;

        cluster.underLoad(kills + " × SIGKILL of web during placing", random, clients -> {
            for (int i = 0; i < kills; i++) {
                clients.awaitAccepted(20 + random.nextInt(300));
                cluster.web().kill();
                cluster.makeWhole();
            }
        });
    }
}
