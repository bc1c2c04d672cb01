package dev.oms.start;

import com.arjuna.ats.arjuna.common.arjPropertyManager;
import com.arjuna.ats.internal.arjuna.utils.UuidProcessId;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/**
 * Lets the transaction manager tell processes apart without a port of its own. By default, it listens on a port of the
 * loopback interface from its first transaction on, only to have a number that no other process has.
 */
@ApplicationScoped
class OpenNoPort {
    // Before anything that uses a transaction.
    void onStart(@Observes @Priority(1) StartupEvent event) {
        arjPropertyManager.getCoreEnvironmentBean().setProcessImplementation(new UuidProcessId());
    }
}
