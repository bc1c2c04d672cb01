package dev.oms.audit;

import dev.oms.audit.Audits.Last;
import dev.oms.http.Bodies;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Response;

/** {@code /inventory_items/audit}: shows the last audit, and asks the workers for another. */
@RunOnVirtualThread
@Path("/inventory_items/audit")
class AuditResource {
    private final Audits audits;

    AuditResource(Audits audits) {
        this.audits = audits;
    }

    /** An audit that was asked for. */
    @RegisterForReflection
    record RequestedAudit(long id) {}

    @GET
    public Last get() {
        return audits.last();
    }

    @POST
    public Response request(Bodies.Empty body) {
        return Response.accepted(new RequestedAudit(audits.request())).build();
    }
}
