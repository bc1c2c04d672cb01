package dev.oms.fault;

import static org.awaitility.Awaitility.await;

import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Web killed or stopped while orders are placed. */
@Tag("full")
@ExtendWith(FaultSuite.class)
class WebFaultIT {
    @Test
    void survivesTheLossOfWebWhilePlacing(Cluster cluster, Random random) throws Exception {
        int kills = 5;

        cluster.underLoad(kills + " × SIGKILL of web during placing", random, clients -> {
            for (int i = 0; i < kills; i++) {
                clients.awaitAccepted(20 + random.nextInt(300));
                cluster.web().kill();
                cluster.startAll();
            }
        });
    }

    @Test
    void answersAllAcceptedCallsBeforeItStops(Cluster cluster, Random random) throws Exception {
        int stops = 3;

        cluster.underLoad(stops + " × SIGTERM of web during placing", random, clients -> {
            for (int i = 0; i < stops; i++) {
                clients.awaitAccepted(20 + random.nextInt(100));
                cluster.web().stop();
                // A call that arrives too late is refused and places nothing.
                await().alias("every placed order has been answered")
                        .until(() -> cluster.servers().ledger().count("orders where user_id = " + clients.user())
                                == clients.accepted().size());
                cluster.startAll();
            }
        });
    }
}
