package dev.oms.audit;

import dev.oms.audit.Audits.Last;
import dev.oms.audit.Audits.Next;
import dev.oms.audit.Audits.Status;
import io.quarkus.resteasy.reactive.server.EndpointDisabled;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Response;
import java.time.Instant;
import java.util.List;

/** {@code /inventory_items/audit}: shows the last audit, and asks the workers for another. */
@RunOnVirtualThread
@Path("/inventory_items/audit")
@EndpointDisabled(name = "oms.api", stringValue = "off")
class AuditResource {
    private final Audits audits;

    AuditResource(Audits audits) {
        this.audits = audits;
    }

    /**
     * The last audit that ended, on the wire. {@code count} and {@code discrepancies} are null unless it is complete.
     */
    @RegisterForReflection
    record AuditView(
            Long id,
            Status status,
            Boolean full,
            Instant startedAt,
            Instant finishedAt,
            String error,
            List<Discrepancy> discrepancies,
            Long count,
            Next next) {}

    /** An audit that was asked for. */
    @RegisterForReflection
    record RequestedAudit(long id) {}

    @GET
    public AuditView get() {
        Last last = audits.last();
        return new AuditView(
                last.id(),
                last.status(),
                last.isFull(),
                last.startedAt(),
                last.finishedAt(),
                last.error(),
                last.discrepancies(),
                last.count(),
                last.next());
    }

    @POST
    public Response request() {
        return Response.accepted(new RequestedAudit(audits.request())).build();
    }
}
