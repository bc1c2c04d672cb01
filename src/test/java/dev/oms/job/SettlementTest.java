package dev.oms.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.oms.inventory.LowStock;
import dev.oms.inventory.MovementKind;
import dev.oms.job.Settlement.Line;
import dev.oms.job.Settlement.Movement;
import dev.oms.job.Settlement.Outcome;
import dev.oms.job.Settlement.Stock;
import dev.oms.job.Settlement.WaitingOrder;
import dev.oms.order.OrderStatus;
import dev.oms.order.StockAdjustment;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** The rules that decide a batch. */
class SettlementTest {
    private static final long BURGER = 1;
    private static final long FRIES = 2;

    @Test
    void deductsAllLinesOrNone() {
        Settlement settlement = Settlement.of(
                List.of(deduction(1, line(BURGER, 1), line(FRIES, 5)), deduction(2, line(BURGER, 3))),
                stocks(stock(BURGER, 3, 0), stock(FRIES, 4, 0)));

        assertThat(settlement.outcomes())
                .containsExactly(
                        new Outcome(1, OrderStatus.Rejected, List.of(FRIES)), new Outcome(2, OrderStatus.Confirmed));
        assertThat(settlement.movements()).containsExactly(new Movement(2, BURGER, MovementKind.DEDUCTION, -3, 0));
        assertThat(settlement.quantities()).isEqualTo(Map.of(BURGER, 0L));
    }

    @Test
    void servesOrdersFirstComeFirstServed() {
        Settlement settlement = Settlement.of(
                List.of(deduction(1, line(BURGER, 1)), deduction(2, line(BURGER, 1))), stocks(stock(BURGER, 1, 0)));

        assertThat(settlement.outcomes())
                .containsExactly(
                        new Outcome(1, OrderStatus.Confirmed), new Outcome(2, OrderStatus.Rejected, List.of(BURGER)));
    }

    @Test
    void makesRestoredStockAvailableToTheNextOrder() {
        Settlement settlement = Settlement.of(
                List.of(restoration(1, line(BURGER, 2)), deduction(2, line(BURGER, 2))), stocks(stock(BURGER, 0, 0)));

        assertThat(settlement.outcomes())
                .containsExactly(new Outcome(1, OrderStatus.Cancelled), new Outcome(2, OrderStatus.Confirmed));
        assertThat(settlement.quantities()).isEqualTo(Map.of(BURGER, 0L));
        assertThat(settlement.movements()).extracting(Movement::quantityAfter).containsExactly(2L, 0L);
    }

    @Test
    void warnsOncePerCrossing() {
        Settlement settlement = Settlement.of(
                List.of(
                        deduction(1, line(BURGER, 5)), // 10 to 5: at the threshold is not below it
                        deduction(2, line(BURGER, 1)), // to 4: below
                        deduction(3, line(BURGER, 1)), // to 3: still below
                        restoration(4, line(BURGER, 4)), // to 7: above again
                        deduction(5, line(BURGER, 4))), // to 3: below again
                stocks(stock(BURGER, 10, 5)));

        assertThat(settlement.lowStock())
                .containsExactly(new LowStock(BURGER, "item 1", 4, 5), new LowStock(BURGER, "item 1", 3, 5));
    }

    @Test
    void rejectsAnAdjustmentThatContradictsTheStatus() {
        WaitingOrder delivered =
                new WaitingOrder(1, OrderStatus.Delivered, StockAdjustment.DEDUCTION, List.of(line(BURGER, 1)));
        WaitingOrder pending =
                new WaitingOrder(2, OrderStatus.Pending, StockAdjustment.RESTORATION, List.of(line(BURGER, 1)));

        assertThatThrownBy(() -> Settlement.of(List.of(delivered), stocks(stock(BURGER, 1, 0))))
                .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> Settlement.of(List.of(pending), stocks(stock(BURGER, 1, 0))))
                .isInstanceOf(IllegalStateException.class);
    }

    @Property
    void neverOversellsLosesOrMakesUpStock(@ForAll("batches") List<WaitingOrder> orders) {
        Map<Long, Stock> stocks = stocks(stock(1, 10, 3), stock(2, 0, 0), stock(3, 100, 50));

        Settlement settlement = Settlement.of(orders, stocks);

        assertThat(settlement.outcomes()).hasSize(orders.size());
        assertThat(settlement.movements()).allMatch(movement -> movement.quantityAfter() >= 0);
        stocks.values().forEach(stock -> {
            long moved = settlement.movements().stream()
                    .filter(movement -> movement.itemId() == stock.itemId())
                    .mapToLong(Movement::delta)
                    .sum();
            assertThat(settlement.quantities().getOrDefault(stock.itemId(), stock.quantity()))
                    .isEqualTo(stock.quantity() + moved);
        });
        Map<Long, OrderStatus> outcomes =
                settlement.outcomes().stream().collect(Collectors.toMap(Outcome::orderId, Outcome::status));
        orders.forEach(order -> assertThat(settlement.movements().stream()
                        .filter(movement -> movement.orderId() == order.id())
                        .map(movement -> new Line(movement.itemId(), Math.abs(movement.delta()))))
                .isEqualTo(outcomes.get(order.id()) == OrderStatus.Rejected ? List.of() : order.lines()));
    }

    @Provide
    Arbitrary<List<WaitingOrder>> batches() {
        Arbitrary<List<Line>> lines = Combinators.combine(
                        Arbitraries.longs().between(1, 3), Arbitraries.longs().between(1, 12))
                .as(Line::new)
                .list()
                .uniqueElements(Line::itemId)
                .ofMinSize(1)
                .ofMaxSize(3);
        return Combinators.combine(Arbitraries.of(true, false), lines)
                .as((deducts, content) -> deducts
                        ? deduction(0, content.toArray(Line[]::new))
                        : restoration(0, content.toArray(Line[]::new)))
                .list()
                .ofMaxSize(40)
                .map(orders -> Stream.iterate(0, i -> i < orders.size(), i -> i + 1)
                        .map(i -> new WaitingOrder(
                                i,
                                orders.get(i).status(),
                                orders.get(i).due(),
                                orders.get(i).lines()))
                        .toList());
    }

    private static WaitingOrder deduction(long id, Line... lines) {
        return new WaitingOrder(id, OrderStatus.Pending, StockAdjustment.DEDUCTION, List.of(lines));
    }

    private static WaitingOrder restoration(long id, Line... lines) {
        return new WaitingOrder(id, OrderStatus.Cancelled, StockAdjustment.RESTORATION, List.of(lines));
    }

    private static Line line(long itemId, long quantity) {
        return new Line(itemId, quantity);
    }

    private static Stock stock(long itemId, long quantity, long threshold) {
        return new Stock(itemId, "item " + itemId, quantity, threshold);
    }

    private static Map<Long, Stock> stocks(Stock... stocks) {
        return Stream.of(stocks).collect(Collectors.toMap(Stock::itemId, Function.identity()));
    }
}
