-- ids_of_numbers(numbers) --
SELECT number, number_id FROM numbers WHERE number = ANY ($1::text [])
