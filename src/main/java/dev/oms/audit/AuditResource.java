package dev.oms.audit;

import dev.oms.access.Callers;
import dev.oms.access.Scopes;
import dev.oms.audit.Audits.Last;
import dev.oms.http.Bodies;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.quarkus.security.PermissionsAllowed;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Response;

/** {@code /inventory_items/audit}: shows the last audit, and asks the workers for another. */
@RunOnVirtualThread
@Path("/inventory_items/audit")
class AuditResource {
    /** An audit reads the whole ledger. */
    private static final int AUDIT_UNITS = 100;

    private final Audits audits;
    private final Callers callers;

    AuditResource(Audits audits, Callers callers) {
        this.audits = audits;
        this.callers = callers;
    }

    /** An audit that was asked for. */
    @RegisterForReflection
    record RequestedAudit(long id) {}

    @GET
    @PermissionsAllowed(
            value = {Scopes.INVENTORY_READ, Scopes.ALL_USERS},
            inclusive = true)
    public Last get() {
        return audits.last();
    }

    @POST
    @PermissionsAllowed(Scopes.INVENTORY_WRITE)
    public Response request(Bodies.Empty body) {
        callers.charge(AUDIT_UNITS - 1);
        return Response.accepted(new RequestedAudit(audits.request())).build();
    }
}
