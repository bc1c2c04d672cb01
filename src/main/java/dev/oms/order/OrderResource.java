package dev.oms.order;

import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import dev.oms.access.Caller;
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
import dev.oms.http.Texts;
import dev.oms.http.WaitPreference;
import dev.oms.inventory.InventoryItem;
import dev.oms.order.OrderEvents.OrderEventView;
import dev.oms.user.Users;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.quarkus.security.PermissionsAllowed;
import io.smallrye.common.annotation.Blocking;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.smallrye.mutiny.Uni;
import io.vertx.ext.web.RoutingContext;
import jakarta.transaction.Transactional;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import jakarta.ws.rs.BeanParam;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/** {@code /orders}. Its calls spend most of their time waiting for PostgreSQL, which is cheapest on virtual threads. */
@RunOnVirtualThread
@Path("/orders")
class OrderResource {
    private static final Logger LOG = Logger.getLogger(OrderResource.class);

    /** The maximum number of different items in an order. */
    static final int ITEMS_MAX = 100;

    /**
     * A page of orders costs one unit for so many of them: 100 take some three times as long as one, large ones more.
     */
    private static final int ORDERS_PER_UNIT = 25;

    private final Orders orders;
    private final Users users;
    private final PlaceOrder placeOrder;
    private final PlaceOnce placeOnce;
    private final ChangeStatus changeStatus;
    private final CancelOrder cancelOrder;
    private final OrderEvents events;
    private final AwaitChange awaitChange;
    private final Callers callers;
    private final Bodies bodies;
    private final PlacementMetrics metrics;

    OrderResource(
            Orders orders,
            Users users,
            PlaceOrder placeOrder,
            PlaceOnce placeOnce,
            ChangeStatus changeStatus,
            CancelOrder cancelOrder,
            OrderEvents events,
            AwaitChange awaitChange,
            Callers callers,
            Bodies bodies,
            PlacementMetrics metrics) {
        this.orders = orders;
        this.users = users;
        this.placeOrder = placeOrder;
        this.placeOnce = placeOnce;
        this.changeStatus = changeStatus;
        this.cancelOrder = cancelOrder;
        this.events = events;
        this.awaitChange = awaitChange;
        this.callers = callers;
        this.bodies = bodies;
        this.metrics = metrics;
    }

    /** Normalizes names. Rejects duplicates, and more than {@value #ITEMS_MAX} items, while parsing. */
    @RegisterForReflection
    static final class Items extends LinkedHashMap<String, Long> {
        private static final long serialVersionUID = 1L;

        @Override
        public Long put(String name, Long quantity) {
            if (size() == ITEMS_MAX) {
                throw ProblemException.invalid("items", "size must be between 1 and " + ITEMS_MAX);
            }
            String normal = Texts.normalizeName(name);
            if (containsKey(normal)) {
                throw ProblemException.invalid("items." + Texts.shorten(normal, 100), "occurs more than once");
            }
            return super.put(normal, quantity);
        }
    }

    /**
     * An order as a client sends it, bare or as {@code {"order":{…}}}. The user is named in either, or in the query.
     */
    record OrderBody(
            @NotNull @Size(min = 1, max = ITEMS_MAX) @JsonDeserialize(as = Items.class)
            Map<String, @NotNull @Min(1) @Max(InventoryItem.QUANTITY_MAX) Long> items,

            Long userId,
            OrderBody order)
            implements Bodies.Wrapped<OrderBody> {
        @Override
        public OrderBody wrapped() {
            return order;
        }

        @Override
        public boolean hasBareFields() {
            return items != null;
        }
    }

    /** The body of {@code update_status}. */
    @Bodies.IgnoresEcho
    record StatusBody(@NotNull OrderStatus status) {}

    @POST
    @Blocking
    @PlacementMetrics.Counted
    @PermissionsAllowed(Scopes.ORDERS_WRITE)
    public Uni<Response> place(
            @QueryParam("user_id") Long userId,
            @HeaderParam(IdempotencyKey.HEADER) List<String> keys,
            @HeaderParam(Actor.HEADER) List<String> actors,
            @HeaderParam(WaitPreference.HEADER) List<String> preferences,
            RoutingContext call,
            OrderBody body) {
        long startNanos = System.nanoTime();
        Caller caller = callers.current();
        Actor actor = caller.actor(actors);
        Optional<IdempotencyKey> key = IdempotencyKey.from(keys);
        OrderBody valid = bodies.unwrapAndValidate(body);
        long user = userOf(caller, userId, body, valid);
        PlaceOnce.Placed placed = key.isEmpty()
                ? new PlaceOnce.Placed(
                        placeOrder.place(user, valid.items(), actor, null).orElseThrow(), false)
                : placeOnce.place(user, valid.items(), actor, key.get());
        metrics.succeeded(placed);
        // It is committed: no failure of the wait may become one of the call.
        return await(placed.order(), OrderView::isSettled, preferences, startNanos, call)
                .map(outcome -> created(outcome, placed.replayed()));
    }

    private static Response created(AwaitChange.Outcome outcome, boolean replayed) {
        OrderView order = outcome.order();
        Response.ResponseBuilder response = Created.at("/orders/" + order.id());
        if (replayed) {
            response.header(IdempotencyKey.REPLAYED, true);
        }
        return applied(response, outcome).entity(order).tag(order.tag()).build();
    }

    private static Response.ResponseBuilder applied(Response.ResponseBuilder response, AwaitChange.Outcome outcome) {
        return outcome.applied() == null ? response : response.header(WaitPreference.APPLIED, outcome.applied());
    }

    private Uni<AwaitChange.Outcome> await(
            OrderView order,
            Predicate<OrderView> isAwaited,
            List<String> preferences,
            long startNanos,
            RoutingContext call) {
        try {
            Optional<WaitPreference> wait = WaitPreference.from(preferences);
            if (wait.isPresent()) {
                Duration allowed = callers.timeLeft(wait.get().duration());
                return awaitChange.await(order, isAwaited, wait.get(), allowed, startNanos, call);
            }
        } catch (RuntimeException e) {
            LOG.errorf(e, "A call could not wait for order %d", order.id());
        }
        return Uni.createFrom().item(new AwaitChange.Outcome(order, null));
    }

    private static long userOf(Caller caller, Long inQuery, OrderBody body, OrderBody inner) {
        List<Long> named = Stream.of(inQuery, body.userId(), inner.userId())
                .filter(Objects::nonNull)
                .distinct()
                .toList();
        if (named.isEmpty() && caller.userId() != null) {
            return caller.userId();
        }
        if (named.isEmpty()) {
            throw ProblemException.malformed("user_id is required, in the query or in the body.");
        }
        if (named.size() > 1) {
            throw ProblemException.invalid("user_id", "must be the same wherever it is given");
        }
        caller.require(named.getFirst());
        return named.getFirst();
    }

    @GET
    @Blocking
    @Path("/{id}")
    @PermissionsAllowed(Scopes.ORDERS_READ)
    public Uni<Response> get(
            @PathParam("id") long id,
            @HeaderParam(IfNoneMatch.HEADER) List<String> known,
            @HeaderParam(WaitPreference.HEADER) List<String> preferences,
            RoutingContext call) {
        long startNanos = System.nanoTime();
        IfNoneMatch ifNoneMatch = IfNoneMatch.from(known);
        OrderView order = orders.view(id, callers.current());
        // Without a version that the client knows there is nothing to wait for.
        List<String> applicable = known.isEmpty() ? List.of() : preferences;
        return await(order, now -> !ifNoneMatch.matches(now.version()), applicable, startNanos, call)
                .map(outcome -> applied(
                                ifNoneMatch.matches(outcome.order().version())
                                        ? Response.notModified()
                                        : Response.ok(outcome.order()),
                                outcome)
                        .tag(outcome.order().tag())
                        .build());
    }

    @GET
    @PermissionsAllowed(Scopes.ORDERS_READ)
    public Response list(
            @QueryParam("user_id") Long userId,
            @QueryParam("status") OrderStatus status,
            @BeanParam Page page,
            UriInfo uri) {
        Caller caller = callers.current();
        if (userId != null) {
            caller.require(userId);
        }
        callers.charge(Math.ceilDiv(page.limit(), ORDERS_PER_UNIT) - 1);
        Long user = caller.userId() == null ? userId : caller.userId();
        List<OrderView> rows = orders.list(user, status, page.after(), page.rows());
        if (rows.isEmpty() && user != null) {
            users.require(user);
        }
        return page.of(rows, OrderView::id, uri);
    }

    // The transaction includes reading the response: a failure after the commit would be reported as if nothing had
    // been changed.
    @PUT
    @Transactional
    @Path("/{id}/update_status")
    @PermissionsAllowed(Scopes.ORDERS_WRITE)
    public Response updateStatus(
            @PathParam("id") long id,
            @HeaderParam(IfMatch.HEADER) List<String> expected,
            @HeaderParam(Actor.HEADER) List<String> actor,
            StatusBody body) {
        Caller caller = callers.current();
        return ok(changeStatus.change(
                id, bodies.validate(body).status(), caller, IfMatch.from(expected), caller.actor(actor)));
    }

    @POST
    @Transactional
    @Path("/{id}/cancel")
    @PermissionsAllowed(Scopes.ORDERS_WRITE)
    public Response cancel(
            @PathParam("id") long id,
            @HeaderParam(IfMatch.HEADER) List<String> expected,
            @HeaderParam(Actor.HEADER) List<String> actor,
            Bodies.Empty body) {
        Caller caller = callers.current();
        return ok(cancelOrder.cancel(id, caller, IfMatch.from(expected), caller.actor(actor)));
    }

    @GET
    @Path("/{id}/events")
    @PermissionsAllowed(Scopes.ORDERS_READ)
    public List<OrderEventView> events(@PathParam("id") long id) {
        return events.of(id, callers.current());
    }

    private static Response ok(OrderView order) {
        return Response.ok(order).tag(order.tag()).build();
    }
}
