package dev.oms.inventory;

import dev.oms.access.Callers;
import dev.oms.access.Scopes;
import dev.oms.http.Actor;
import dev.oms.http.Bodies;
import dev.oms.http.Created;
import dev.oms.http.IdempotencyKey;
import dev.oms.http.IfMatch;
import dev.oms.http.IfNoneMatch;
import dev.oms.http.Page;
import dev.oms.http.ProblemException;
import dev.oms.inventory.StockMovement.StockMovementView;
import io.quarkus.security.PermissionsAllowed;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.BeanParam;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.PATCH;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.util.List;

/** {@code /inventory_items}. */
@RunOnVirtualThread
@Path("/inventory_items")
class InventoryItemResource {
    /** What looks for items by anything but their id may read them all. */
    private static final int SEARCH_UNITS = 5;

    private final InventoryItems items;
    private final StockMovements movements;
    private final AddItem addItem;
    private final ChangeItem changeItem;
    private final AdjustItem adjustItem;
    private final RemoveItem removeItem;
    private final Callers callers;
    private final Bodies bodies;

    InventoryItemResource(
            InventoryItems items,
            StockMovements movements,
            AddItem addItem,
            ChangeItem changeItem,
            AdjustItem adjustItem,
            RemoveItem removeItem,
            Callers callers,
            Bodies bodies) {
        this.items = items;
        this.movements = movements;
        this.addItem = addItem;
        this.changeItem = changeItem;
        this.adjustItem = adjustItem;
        this.removeItem = removeItem;
        this.callers = callers;
        this.bodies = bodies;
    }

    @POST
    @PermissionsAllowed(Scopes.INVENTORY_WRITE)
    public Response create(@HeaderParam(Actor.HEADER) List<String> actor, InventoryItemBody body) {
        InventoryItem item = addItem.add(
                bodies.unwrapAndValidate(body, InventoryItemBody.OnCreate.class),
                callers.current().actor(actor));
        return tagged(Created.at("/inventory_items/" + item.id()), item);
    }

    @GET
    @PermissionsAllowed(Scopes.INVENTORY_READ)
    public Response list(
            @QueryParam("name") String prefix,
            @QueryParam("below_threshold") @DefaultValue("false") boolean belowThreshold,
            @QueryParam("out_of_stock") @DefaultValue("false") boolean outOfStock,
            @QueryParam("sort") @DefaultValue("id") InventoryItems.Order order,
            @BeanParam Page page,
            UriInfo uri) {
        if (prefix != null || belowThreshold || outOfStock || order != InventoryItems.Order.id) {
            callers.charge(SEARCH_UNITS - 1);
        }
        List<InventoryItem> rows = items.list(prefix, belowThreshold, outOfStock, order, page.after(), page.rows());
        return page.of(rows, order::keyOf, InventoryItem::view, uri);
    }

    @GET
    @Path("/{id}")
    @PermissionsAllowed(Scopes.INVENTORY_READ)
    public Response get(@PathParam("id") long id, @HeaderParam(IfNoneMatch.HEADER) List<String> known) {
        IfNoneMatch ifNoneMatch = IfNoneMatch.from(known);
        InventoryItem item = items.get(id);
        return ifNoneMatch.matches(item.version())
                ? Response.notModified(tag(item)).build()
                : tagged(Response.ok(), item);
    }

    @PUT
    @Path("/{id}")
    @PermissionsAllowed(Scopes.INVENTORY_WRITE)
    public Response change(
            @PathParam("id") long id,
            @HeaderParam(IfMatch.HEADER) List<String> expected,
            @HeaderParam(Actor.HEADER) List<String> actor,
            InventoryItemBody body) {
        InventoryItemBody valid = body == null ? null : bodies.unwrapAndValidate(body);
        if (valid == null || valid.isEmpty()) {
            throw ProblemException.invalid("", "one of name, quantity and threshold is required");
        }
        return tagged(
                Response.ok(),
                changeItem.change(
                        id, valid, IfMatch.from(expected), callers.current().actor(actor)));
    }

    /** What Rails' own clients send instead of {@code PUT}. */
    @PATCH
    @Path("/{id}")
    @PermissionsAllowed(Scopes.INVENTORY_WRITE)
    public Response patch(
            @PathParam("id") long id,
            @HeaderParam(IfMatch.HEADER) List<String> expected,
            @HeaderParam(Actor.HEADER) List<String> actor,
            InventoryItemBody body) {
        return change(id, expected, actor, body);
    }

    @POST
    @Path("/{id}/adjust")
    @PermissionsAllowed(Scopes.INVENTORY_WRITE)
    public Response adjust(
            @PathParam("id") long id,
            @HeaderParam(IdempotencyKey.HEADER) List<String> keys,
            @HeaderParam(Actor.HEADER) List<String> actor,
            AdjustmentBody body) {
        IdempotencyKey key = IdempotencyKey.from(keys).orElse(null);
        AdjustItem.Adjusted adjusted =
                adjustItem.adjust(id, bodies.validate(body), callers.current().actor(actor), key);
        Response.ResponseBuilder response = Response.ok();
        if (adjusted.replayed()) {
            response.header(IdempotencyKey.REPLAYED, true);
        }
        return tagged(response, adjusted.item());
    }

    @DELETE
    @Path("/{id}")
    @PermissionsAllowed(Scopes.INVENTORY_WRITE)
    public void remove(
            @PathParam("id") long id,
            @HeaderParam(IfMatch.HEADER) List<String> expected,
            @HeaderParam(Actor.HEADER) List<String> actor) {
        removeItem.remove(id, IfMatch.from(expected), callers.current().actor(actor));
    }

    @GET
    @Path("/{id}/movements")
    @PermissionsAllowed(
            value = {Scopes.INVENTORY_READ, Scopes.ALL_USERS},
            inclusive = true)
    public Response movements(@PathParam("id") long id, @BeanParam Page page, UriInfo uri) {
        // Archived items included: orders placed before may still move their stock.
        List<StockMovementView> rows = movements.of(id, page.after(), page.rows()).stream()
                .map(StockMovement::view)
                .toList();
        if (rows.isEmpty() && items.findById(id) == null) {
            throw ProblemException.unknown("inventory item", id);
        }
        return page.of(rows, StockMovementView::id, uri);
    }

    private static Response tagged(Response.ResponseBuilder response, InventoryItem item) {
        return response.entity(item.view()).tag(tag(item)).build();
    }

    private static String tag(InventoryItem item) {
        return Long.toString(item.version());
    }
}
